"""What is done to a database: `migrate`, `seed`, `epoch`."""

from app import migrations
from app.core.complaints import asking
from app.core.config import Settings, SettingsError
from app.core.database import create_engine, create_sessions
from app.realtime.log.epoch import read_epoch, renew_epoch


async def migrate(settings: Settings) -> None:
    with asking(settings.database_url):
        revision, hint = await migrations.migrate(settings.database_url), ""
    if migrations.is_newer(revision):
        hint = f", newer than this release's {migrations.newest_revision()}: nothing was changed"
    print(f"tandem: the database is at {revision}{hint}")


async def migrate_private(settings: Settings) -> None:
    """Without a word: nobody but us has made it."""
    with asking(settings.database_url):
        await migrations.migrate(settings.database_url)


async def seed(settings: Settings, *, private: bool) -> None:
    """A private database is migrated first."""
    if settings.environment == "production":
        raise SettingsError("demo data is not for production")
    if private:
        await migrate_private(settings)
    from app.seed import seed as make_demo_data  # noqa: PLC0415 - slow to import: workers start meanwhile

    engine = create_engine(settings)
    try:
        with asking(settings.database_url):
            made = await make_demo_data(create_sessions(engine), settings)
    finally:
        await engine.dispose()
    print(f"tandem: {'made the demo data' if made else 'the demo data is there'}", flush=True)


async def epoch(settings: Settings, *, renew: bool) -> None:
    engine = create_engine(settings)
    try:
        with asking(settings.database_url):
            async with create_sessions(engine)() as session, session.begin():
                if renew:
                    await renew_epoch(session)
                print(await read_epoch(session))
    finally:
        await engine.dispose()
