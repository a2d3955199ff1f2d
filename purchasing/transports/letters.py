"""The few words that go with a paper, in the languages suppliers read."""

from __future__ import annotations

from purchasing.transports.base import Paper

# language -> kind -> subject; {number}, {revision} and {company} are filled in
_SUBJECTS: dict[str, dict[str, str]] = {
    "en": {
        "order": "Purchase order {number} from {company}",
        "revision": "Revised purchase order {number}, revision {revision}, from {company}",
        "cancellation": "Cancellation of purchase order {number} by {company}",
        "dispute": "Our question about your invoice: {number}, {company}",
        "claim": "Claim {number} from {company}",
        "return": "Return {number} from {company}",
    },
    "fr": {
        "order": "Commande {number} de {company}",
        "revision": "Commande modifiée {number}, révision {revision}, de {company}",
        "cancellation": "Annulation de la commande {number} par {company}",
        "dispute": "Notre question sur votre facture : {number}, {company}",
        "claim": "Réclamation {number} de {company}",
        "return": "Retour {number} de {company}",
    },
    "th": {
        "order": "ใบสั่งซื้อ {number} จาก {company}",
        "revision": "ใบสั่งซื้อฉบับแก้ไข {number} ครั้งที่ {revision} จาก {company}",
        "cancellation": "ยกเลิกใบสั่งซื้อ {number} โดย {company}",
        "dispute": "สอบถามเกี่ยวกับใบแจ้งหนี้ของท่าน: {number}, {company}",
        "claim": "เรียกร้องค่าสินค้า {number} จาก {company}",
        "return": "ส่งคืนสินค้า {number} จาก {company}",
    },
    "zh-hans": {
        "order": "采购订单 {number}，{company}",
        "revision": "采购订单 {number} 第 {revision} 次修订，{company}",
        "cancellation": "取消采购订单 {number}，{company}",
        "dispute": "关于贵方发票的疑问：{number}，{company}",
        "claim": "索赔单 {number}，{company}",
        "return": "退货单 {number}，{company}",
    },
}
_BODIES: dict[str, str] = {
    "en": "Dear {name},\n\n{subject}. Please find the paper attached.\n\nKind regards\n{company}\n",
    "fr": "Bonjour {name},\n\n{subject}. Vous trouverez le document en pièce jointe.\n\nCordialement\n{company}\n",
    "th": "เรียน {name}\n\n{subject} โปรดดูเอกสารแนบ\n\nขอแสดงความนับถือ\n{company}\n",
    "zh-hans": "{name} 您好：\n\n{subject}。文件请见附件。\n\n此致\n{company}\n",
}


def letter(paper: Paper, company: str) -> tuple[str, str]:
    """Answer subject and text in the paper's language, in English where we do not write it."""
    language = paper.language if paper.language in _BODIES else "en"
    # Names come from people: a line break in one is not to become a header.
    name, own = " ".join(paper.supplier_name.split()), " ".join(company.split())
    subject = _SUBJECTS[language][paper.kind].format(number=paper.number, revision=paper.revision, company=own)
    return subject, _BODIES[language].format(name=name, subject=subject, company=own)
