"""Pages about receipts of buying."""

from __future__ import annotations

from django.urls import URLPattern, path

from purchasing.views import letters, receipts, receiving

urlpatterns: list[URLPattern] = [
    path("receive/", receiving.ReceivePage.as_view(), name="receive_start"),
    path("receive/<str:code>/", receiving.CountPage.as_view(), name="receive"),
    path("receive/<str:code>/scan/", receiving.Scan.as_view(), name="receive_scan"),
    path("receive/<str:code>/undo/", receiving.Undo.as_view(), name="receive_undo"),
    path("receive/<str:code>/count/", receiving.SetCount.as_view(), name="receive_count"),
    path("receive/<str:code>/photo/", receiving.AddPhoto.as_view(), name="receive_photo"),
    path("receive/<str:code>/park/", receiving.Park.as_view(), name="receive_park"),
    path("receive/<str:code>/cancel/", receiving.CancelCount.as_view(), name="receive_cancel"),
    path("receive/<str:code>/finish/", receiving.Finish.as_view(), name="receive_finish"),
    path("receipts/<str:number>/", receipts.ReceiptPage.as_view(), name="receipt"),
    path("receipts/<str:number>/reverse/", receipts.Reverse.as_view(), name="receipt_reverse"),
    path("receipts/<str:number>/photos/<int:pk>/", receipts.Photo.as_view(), name="receipt_photo"),
    path("receipts/<str:number>/letter.pdf", letters.ClaimLetter.as_view(), name="receipt_letter"),
    path("receipts/<str:number>/tell/", letters.TellSupplier.as_view(), name="receipt_tell"),
    path("returns/<str:number>/letter.pdf", letters.ReturnLetter.as_view(), name="return_letter"),
    path("returns/<str:number>/tell/", letters.TellOfReturn.as_view(), name="return_tell"),
    path("receipts/<str:number>/lines/<int:line>/keep/", receipts.Keep.as_view(), name="receipt_keep"),
    path("receipts/<str:number>/lines/<int:line>/keep-free/", receipts.KeepFree.as_view(), name="receipt_keep_free"),
    path("receipts/<str:number>/lines/<int:line>/accept/", receipts.AcceptDamaged.as_view(), name="receipt_accept"),
    path("receipts/<str:number>/lines/<int:line>/return/", receipts.SendBack.as_view(), name="receipt_return"),
    path("receipts/<str:number>/claims/<str:claim>/withdraw/", receipts.Withdraw.as_view(), name="claim_withdraw"),
    path("receipts/<str:number>/claims/<str:claim>/replace/", receipts.Replace.as_view(), name="claim_replace"),
    path("special-orders/<int:pk>/", receipts.EndSpecialOrder.as_view(), name="special_order"),
]
