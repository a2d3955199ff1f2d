"""What is printed on papers, in the languages of suppliers. A supplier reads his own language, whoever prints."""

from __future__ import annotations

from typing import Final

LANGUAGES: Final = ("en", "fr", "th", "zh-hans")

_TABLE: dict[str, tuple[str, str, str, str]] = {
    "order": ("Purchase order", "Bon de commande", "ใบสั่งซื้อ", "采购订单"),
    "revision": ("Purchase order, revision", "Bon de commande, révision", "ใบสั่งซื้อ ฉบับแก้ไข", "采购订单修订版"),
    "revision_number": ("Revision {}", "Révision {}", "ฉบับแก้ไขที่ {}", "第 {} 版"),
    "cancellation": ("Cancellation of order", "Annulation de commande", "ยกเลิกใบสั่งซื้อ", "取消采购订单"),
    "dispute": ("Dispute of invoice", "Contestation de facture", "ข้อโต้แย้งใบแจ้งหนี้", "发票异议"),
    "claim": ("Claim", "Réclamation", "การเรียกร้อง", "索赔"),
    "to": ("Supplier", "Fournisseur", "ผู้ขาย", "供应商"),
    "from": ("Ordered by", "Commandé par", "ผู้สั่งซื้อ", "采购方"),
    "ship_to": ("Deliver to", "Livrer à", "ส่งที่", "送货地址"),
    "date": ("Date", "Date", "วันที่", "日期"),
    "number": ("Number", "Numéro", "เลขที่", "编号"),
    "expected": ("Expected", "Livraison", "กำหนดส่ง", "交货日期"),
    "terms": ("Payment", "Paiement", "การชำระเงิน", "付款条件"),
    "days": ("{} days net", "{} jours net", "ภายใน {} วัน", "{} 天内付清"),
    "currency": ("Currency", "Devise", "สกุลเงิน", "币种"),
    "line": ("#", "N°", "ลำดับ", "行"),
    "item": ("Item", "Article", "รายการ", "商品"),
    "your_number": ("Your number", "Votre réf.", "รหัสของท่าน", "贵方编号"),
    "quantity": ("Quantity", "Quantité", "จำนวน", "数量"),
    "price": ("Price", "Prix", "ราคา", "单价"),
    "amount": ("Amount", "Montant", "จำนวนเงิน", "金额"),
    "goods": ("Goods", "Marchandises", "ค่าสินค้า", "货款"),
    "total": ("Total, net", "Total HT", "รวมก่อนภาษี", "不含税合计"),
    "note": ("Note", "Remarque", "หมายเหตุ", "备注"),
    "page": ("Page", "Page", "หน้า", "页"),
    "cancelled": ("cancelled", "annulé", "ยกเลิก", "已取消"),
    "was": ("before: {}", "avant : {}", "เดิม: {}", "原为：{}"),
    "reason": ("Reason", "Motif", "เหตุผล", "原因"),
    "invoice": ("Invoice", "Facture", "ใบแจ้งหนี้", "发票"),
    "invoiced": ("Invoiced", "Facturé", "เรียกเก็บ", "已开票"),
    "wanted": ("Expected", "Attendu", "ที่ถูกต้อง", "应为"),
    "at_risk": ("In dispute", "Contesté", "ยอดโต้แย้ง", "争议金额"),
    "reply_by": ("Please answer by", "Réponse souhaitée avant le", "โปรดตอบภายใน", "请于此日前答复"),
    "please_cancel": (
        "Please do not deliver what is listed below any more.",
        "Merci de ne plus livrer ce qui suit.",
        "โปรดงดส่งรายการต่อไปนี้",
        "请勿再交付以下商品。",
    ),
    "please_correct": (
        "We cannot pay the following in full and ask for a credit note or an explanation.",
        "Nous ne pouvons pas régler en totalité ce qui suit et demandons un avoir ou une explication.",
        "เราไม่สามารถชำระรายการต่อไปนี้ได้ทั้งหมด โปรดออกใบลดหนี้หรือชี้แจง",
        "以下款项我方无法全额支付，请开具贷项通知单或说明情况。",
    ),
    "please_settle": (
        "The delivery differed from the order as follows. Please credit or replace it.",
        "La livraison diffère de la commande comme suit. Merci d'établir un avoir ou de remplacer.",
        "สินค้าที่ได้รับต่างจากใบสั่งซื้อดังนี้ โปรดออกใบลดหนี้หรือส่งสินค้าทดแทน",
        "到货与订单不符，情况如下，请退款或补货。",
    ),
}


def words_in(language: str) -> dict[str, str]:
    """Answer every word in the language; one that is not spoken here gets English."""
    base = language.lower()
    short = "zh-hans" if base.startswith("zh") else base.split("-")[0]
    column = LANGUAGES.index(short) if short in LANGUAGES else 0
    return {name: told[column] for name, told in _TABLE.items()}
