"""Papers by e-mail: a short letter in the supplier's language, the paper attached."""

from __future__ import annotations

from smtplib import (
    SMTPAuthenticationError,
    SMTPDataError,
    SMTPException,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import BadHeaderError, EmailMessage
from django.core.validators import validate_email

from purchasing.models import Supplier
from purchasing.transports.base import Outcome, Paper, Told
from purchasing.transports.letters import letter


class EmailTransport:
    """Django's own mail, as the settings say."""

    key = "email"
    label = "E-mail"

    def address_of(self, supplier: Supplier) -> str:
        return supplier.order_email.strip()

    def send(self, paper: Paper) -> Told:
        """Send one message with the paper attached. An address that is none, or that the server does not know, is for
        people to mend; everything else may pass."""
        try:
            validate_email(paper.address)
        except ValidationError:
            return Told(Outcome.PERMANENT, f"“{paper.address}” is no e-mail address.")
        subject, text = letter(paper, settings.COMPANY_NAME)
        message = EmailMessage(
            subject=subject,
            body=text,
            from_email=settings.DEFAULT_FROM_EMAIL,
            to=[paper.address],
            attachments=[(paper.file_name, paper.content, paper.content_type)],
            headers={"Message-ID": paper.message_id},
        )
        try:
            message.send()
        except BadHeaderError as error:
            return Told(Outcome.PERMANENT, str(error))
        except SMTPRecipientsRefused as error:
            codes = [code for code, _said in error.recipients.values()]
            outcome = Outcome.PERMANENT if codes and all(code >= 500 for code in codes) else Outcome.RETRY
            return Told(outcome, f"The mail server does not take {paper.address}: {error.recipients}")
        except SMTPAuthenticationError as error:
            return Told(Outcome.RETRY, f"The mail server does not let us in: {_said(error)}")
        except (SMTPDataError, SMTPSenderRefused) as error:
            outcome = Outcome.PERMANENT if error.smtp_code >= 500 else Outcome.RETRY
            return Told(outcome, f"The mail server refused the message: {_said(error)}")
        except (SMTPException, OSError) as error:
            return Told(Outcome.RETRY, f"The mail server cannot be reached: {error or type(error).__name__}")
        return Told(Outcome.SENT)


def _said(error: SMTPResponseException) -> str:
    words = error.smtp_error
    return f"{error.smtp_code} {words.decode('utf-8', 'replace') if isinstance(words, bytes) else words}"
