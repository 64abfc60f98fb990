"""What the tests stand on: servers as processes, a scripted origin, a raw client, a browser's CORS rules."""
