"""NautilusTrader's own `ExecTester` in a `TradingNode` of its own process, as the example runs it."""

import asyncio
import os
import re
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from tests.integration.valr_exec.desk import simulator

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "valr_exec_tester.py"


@pytest.mark.slow
def test_the_exec_tester_opens_rests_cancels_and_closes() -> None:
    async def scenario() -> None:
        async with simulator() as (exchange, login):
            names = {
                "VALR_URL": exchange.url,
                "VALR_API_KEY": login.key,
                "VALR_API_SECRET": login.secret,
                "VALR_SECONDS": "6",
                "PYTHONPATH": str(ROOT),
            }
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                str(EXAMPLE),
                env=os.environ | names,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
            async with asyncio.timeout(60):
                output, _ = await process.communicate()
            text = output.decode()
            assert process.returncode == 0, text
            assert login.secret not in text
            assert login.key not in text
            assert not re.findall(r".*\[ERROR\].*", text)
            mine = [row for row in exchange.dump().orders if row.account_id == login.account_id]
            assert sorted(row.status for row in mine) == ["Cancelled", "Cancelled", "Filled", "Filled"]
            held = {row.currency: row for row in exchange.dump().balances if row.account_id == login.account_id}
            # What was bought less the fee was sold again, to the last digit.
            assert (held["BTC"].total, held["BTC"].reserved) == (Decimal(1), 0)

    asyncio.run(scenario())
