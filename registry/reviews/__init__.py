"""What happens to a draft between its maker and its approver."""
