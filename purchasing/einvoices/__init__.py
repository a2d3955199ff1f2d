"""Electronic invoices of suppliers: a file in, one typed `ReadInvoice` out, or a refusal that names the exact place.

Pure code: no models, no settings, no network. `reading.read_invoice` is the door, `document` says what comes out,
`findings.find` says what does not add up in it.
"""
