SELECT
    items.item_id::VARCHAR AS item_id,
    items.title AS item,
    pages.source,
    coalesce(pages.title, pages.url) AS page,
    pages.url,
    pages.used,
    pages.doubt,
    pages.reason
FROM features.identity AS pages
JOIN catalog.items AS items USING (item_id)
ORDER BY pages.doubt DESC, items.item_id, pages.source
