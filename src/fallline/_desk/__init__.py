"""What a page or a notebook asks for, worked out: settings in, a picture out. One module a kind of request."""
