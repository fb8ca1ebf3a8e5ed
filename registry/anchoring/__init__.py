"""From signed leaves to published anchors: the only user of web3 and of transaction keys."""
