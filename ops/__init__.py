"""What stands behind ./holdfast: servers, supervision, and the commands themselves."""
