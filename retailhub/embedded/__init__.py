"""PostgreSQL and Redis as child processes, and the supervisor behind `make run`. Imports nothing else of retailhub."""
