"""One operation in, one answer or typed error out."""
