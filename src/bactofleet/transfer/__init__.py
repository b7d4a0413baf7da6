"""Results at their destination: verify and fetch them, and restore receipts from them."""
