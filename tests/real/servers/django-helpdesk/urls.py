"""The project's addresses: the add-on before django-helpdesk itself."""

from django.urls import include, path

urlpatterns = [
    path("deskyard/", include("deskyard_helpdesk")),
    path("", include("helpdesk.urls", namespace="helpdesk")),
]
