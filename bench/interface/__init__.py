"""The budgets of the browser interface, each measured by driving it as a user does."""
