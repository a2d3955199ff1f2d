"""python -m channels.sandbox_shop --name "Sandbox A" --port 0 --data DIR"""

from channels.sandbox_shop.program import main

raise SystemExit(main())
