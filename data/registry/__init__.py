"""Published models by name and version, as plain objects at any place that `data.storage` can write on conditions to.

    <registry>/<name>/versions/000001.json      what a version is: created once, never changed, its number never reused
    <registry>/<name>/models/<sha256>.json      which version a published manifest has: so that it gets no second one
    <registry>/<name>/aliases/champion.json     which version is the champion, since when, by whom, why, and what before

There is no server: of several writers at once one wins each object, by exclusive creation or conditional replacement,
and the others go on from what they then find. An object is there whole or not at all.

    records      what the objects hold            versions     publishing, and reading what is published
    aliases      the champion, and its moves      reference    <registry>/<name>@champion as an address
    comparison   two versions side by side
"""
