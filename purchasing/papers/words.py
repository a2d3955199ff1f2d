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
    "return": ("Return of goods", "Retour de marchandises", "ส่งคืนสินค้า", "退货"),
    "sender": ("From", "De", "จาก", "发件方"),
    "delivered_to": ("Delivered to", "Livré à", "ส่งถึง", "收货地址"),
    "sent_from": ("Sent from", "Expédié de", "ส่งจาก", "发货地址"),
    "invoice_date": ("Invoice date", "Date de facture", "วันที่ใบแจ้งหนี้", "开票日期"),
    "total_billed": ("Billed in total", "Total facturé", "ยอดเรียกเก็บรวม", "开票总额"),
    "received_on": ("Received", "Reçu le", "รับเมื่อ", "收货日期"),
    "delivery_note": ("Delivery note", "Bon de livraison", "ใบส่งของ", "送货单"),
    "carrier": ("Carrier", "Transporteur", "ผู้ขนส่ง", "承运商"),
    "tracking": ("Tracking number", "Numéro de suivi", "หมายเลขติดตาม", "运单号"),
    "whole": ("The invoice as a whole", "La facture entière", "ใบแจ้งหนี้ทั้งฉบับ", "整张发票"),
    "announced": (
        "{} on the delivery note, {} came",
        "{} sur le bon de livraison, {} reçus",
        "ใบส่งของระบุ {} ได้รับ {}",
        "送货单为 {}，实收 {}",
    ),
    "claim_short": ("Short", "Manquant", "ส่งขาด", "短少"),
    "claim_damaged": ("Damaged", "Endommagé", "เสียหาย", "损坏"),
    "claim_wrong": ("Wrong item", "Mauvais article", "ผิดรายการ", "错货"),
    "claim_price": ("Price", "Prix", "ราคา", "价格"),
    "claim_returned": ("Sent back", "Retourné", "ส่งคืน", "已退回"),
    "hold_DUP": ("Looks like a duplicate", "Semble être un doublon", "ดูเหมือนซ้ำ", "疑似重复"),
    "hold_NOPO": ("No purchase order", "Sans bon de commande", "ไม่มีใบสั่งซื้อ", "无采购订单"),
    "hold_SUPP": (
        "Ordered from another supplier",
        "Commandé à un autre fournisseur",
        "สั่งจากผู้ขายรายอื่น",
        "订单属于其他供应商",
    ),
    "hold_CUR": ("Other currency than ordered", "Autre devise que la commande", "สกุลเงินต่างจากใบสั่งซื้อ", "币种与订单不符"),
    "hold_QREC": ("More billed than received", "Facturé plus que reçu", "เรียกเก็บเกินที่ได้รับ", "开票多于收货"),
    "hold_QORD": ("More billed than ordered", "Facturé plus que commandé", "เรียกเก็บเกินที่สั่ง", "开票多于订购"),
    "hold_PRICE": ("Price differs", "Prix différent", "ราคาต่าง", "单价不符"),
    "hold_EXT": ("Value differs", "Valeur différente", "มูลค่าต่าง", "金额不符"),
    "hold_CHG": ("Charge differs", "Frais différents", "ค่าใช้จ่ายต่าง", "费用不符"),
    "hold_TAX": ("Tax differs", "Taxe différente", "ภาษีต่าง", "税额不符"),
    "hold_TOT": ("Total does not add up", "Total inexact", "ยอดรวมไม่ถูกต้อง", "合计不符"),
    "hold_LATE": ("Dates or terms differ", "Dates ou conditions différentes", "วันที่หรือเงื่อนไขต่าง", "日期或条款不符"),
    "hold_DOC": ("Asks for no money", "Ne demande aucun paiement", "ไม่ได้เรียกชำระเงิน", "非付款请求"),
    "please_credit": (
        "The goods listed below are on their way back to you. Please credit them.",
        "Les marchandises suivantes vous sont retournées. Merci d'établir un avoir.",
        "สินค้าต่อไปนี้กำลังส่งคืน โปรดออกใบลดหนี้",
        "以下货物正在退回，请开具贷项通知单。",
    ),
    "please_replace": (
        "The goods listed below are on their way back to you. Please send others in their place.",
        "Les marchandises suivantes vous sont retournées. Merci de les remplacer.",
        "สินค้าต่อไปนี้กำลังส่งคืน โปรดส่งสินค้าทดแทน",
        "以下货物正在退回，请补发替换品。",
    ),
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
