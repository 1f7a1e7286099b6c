"""Every message, subject, error and event of labstow. Nothing here imports anything else of ours.

Read in this order: `message` (what all messages share), `subjects` and `headers` (where they go), `errors` (how a
worker says no), `events` (what everybody may hear), `base_types` and `positions` (what there is and where it can be),
then one file a noun: `resource`, `template`, `lock`, `history`, `location`, `transfer`, `node`, `pattern`, `lab_file`;
`place_errors` is how a worker says no to what is about places.
"""

from labstow.contracts import place_errors as place_errors  # whoever reads a refusal knows it by its code
