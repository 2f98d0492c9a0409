"""What is deployed: building, reading, verifying and inference."""
