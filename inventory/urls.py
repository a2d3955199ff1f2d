from django.http import HttpResponse
from django.urls import path
app_name = "inventory"
v=lambda r,*a,**k: HttpResponse("stub")
urlpatterns = [path("items/<path:sku>/",v,name="item"),path("transfers/new/",v,name="transfer_new"),path("transfers/<str:number>/",v,name="transfer")]
