from django.http import HttpResponse
from django.urls import path
app_name = "channels"
v=lambda r,*a,**k: HttpResponse("stub")
urlpatterns = [path("channels/",v,name="index"),path("channels/<str:code>/",v,name="channel"),path("inbox/<int:pk>/replay/",v,name="inbox_replay")]
