"""The dashboard in a browser: static files, and the two routes that hand them out."""
