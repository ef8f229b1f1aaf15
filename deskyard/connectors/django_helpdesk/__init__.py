"""django-helpdesk as a ticket store."""
