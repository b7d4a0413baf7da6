"""Results at their destination: verify them, fetch them, restore receipts from them."""
