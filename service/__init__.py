"""The service: takes tickets over HTTP, by mail and from other help desks, decides, and places them in queues."""
