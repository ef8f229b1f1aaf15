"""What has changed on a desk: the newest tickets beside those before them."""
