"""Files opened safely, digests of them, and what a user is told where the system refuses."""
