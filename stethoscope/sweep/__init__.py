"""Many runs, and their leaderboard."""
