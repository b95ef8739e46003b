"""Storage and caching: arrays and models on disk, and Prefect's records of them."""
