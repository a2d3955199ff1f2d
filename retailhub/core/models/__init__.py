from retailhub.core.models.attention import Attention
from retailhub.core.models.idempotency import IdempotencyKey
from retailhub.core.models.imports import ImportChunk, ImportRun
from retailhub.core.models.jobs import Job
from retailhub.core.models.people import ApiKey, Membership, User
from retailhub.core.models.rates import ExchangeRate

__all__ = [
    "ApiKey",
    "Attention",
    "ExchangeRate",
    "IdempotencyKey",
    "ImportChunk",
    "ImportRun",
    "Job",
    "Membership",
    "User",
]
