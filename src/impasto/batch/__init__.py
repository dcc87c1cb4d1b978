"""Very many pictures: folders, lists, shards and manifests, anywhere, on this machine's cores or on a Ray cluster.

`inputs` finds them, `plan` says where each goes, `steps` paint them, `local` and `on_ray` run workers that do so,
`ledger` keeps what became of them, and `run` is all of that in one call.
"""
