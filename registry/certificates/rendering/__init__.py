"""From a view of a certificate to what people hold: codes as pictures and pages as PDF/A-3."""
