"""The connector to django-helpdesk."""
