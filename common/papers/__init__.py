"""What people hold in their hand: facts in, PDF/A out, the same bytes for the same facts.

``talon`` ``statement`` ``invoice`` ``decision`` are the papers, ``qr`` their codes, ``words`` how dates and numbers are written
(screens use it too), ``texts`` their fixed words in two languages, ``typeset`` the only door to Typst.
"""
