"""Several machines, one account: requests are handed over in a PostgreSQL database, and workers carry them out."""
