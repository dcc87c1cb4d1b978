"""Very many pictures: folders, lists, shards and manifests, anywhere, on this machine's cores or on a Ray cluster.

`run` plans, does it all and keeps what became of it: `inputs` finds the pictures, `steps` paint them, `local` and
`on_ray` run workers that do so.
"""
