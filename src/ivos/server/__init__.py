"""The web page and the server behind it: one engine, seen through a browser.

Everything that crosses between the two is written down in ``protocol``; ``page/`` is plain ES
modules. Nothing in here segments, stores or exports: it drives ``Session``, ``Project`` and
``deliver`` and turns what happens into messages.
"""
