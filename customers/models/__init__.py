from customers.models.people import Address, Customer, Identity

__all__ = ["Address", "Customer", "Identity"]
