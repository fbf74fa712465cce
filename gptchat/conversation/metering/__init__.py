"""Books every request that may cost, and keeps it within the budget."""
