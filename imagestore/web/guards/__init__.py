"""What a request passes before any route runs: who asks, whether they may, whether it was done already."""
