"""Customers' pages, asked as a browser asks for them."""
