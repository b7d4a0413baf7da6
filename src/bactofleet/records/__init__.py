"""What a run leaves behind: receipts, attempts, and the folder that holds them."""
