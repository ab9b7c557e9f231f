"""Names in infra/ are those of the code, both ways: containers, queues, functions, settings, connections, routes."""

import ast
import fnmatch
import json
import re

import pytest
import yaml

from imagestore.errors import SettingsError
from imagestore.settings import AZURITE, CONNECTIONS, COSMOS_EMULATOR, ROOT, Settings
from imagestore.store import connect
from imagestore.store.custom_vision import FILE
from imagestore.store.models import ACTIVE, MODEL_FILE
from imagestore.store.projects import PROJECTS
from imagestore.store.queues import BLOB_POISON_QUEUE, WORK_POISON_QUEUE, WORK_QUEUE
from imagestore.store.records import TOMBSTONE_TTL_S
from imagestore.store.routes import ROUTES
from infra.package import DIST, PACKAGES
from infra.roles_table import ROLES, grants
from unit.infra import bicep

MAIN = bicep.text("main.bicep")
EXAMPLE: dict[str, str] = json.loads(bicep.read(ROOT / "local.settings.example.json"))["Values"]
SETTINGS = set(Settings().environment())
APPS = {"functions.bicep": "function", "web.bicep": "web", "dev-slot.bicep": "web", "jobs.bicep": "jobs"}
PLATFORM = re.compile(r"APPLICATIONINSIGHTS_|PYTHON_ENABLE_OPENTELEMETRY$|SCM_|WEBSITES?_|OPENBLAS_")
"""What Azure itself reads, and a library of NumPy's."""


def triggers() -> dict[str, dict[str, str]]:
    """The keyword arguments of each function's trigger in function_app.py, and its kind."""
    found = {}
    for node in ast.parse(bicep.read(ROOT / "function_app.py")).body:
        if isinstance(node, ast.FunctionDef):
            for decorator in node.decorator_list:
                assert isinstance(decorator, ast.Call)
                assert isinstance(decorator.func, ast.Attribute)
                values = {
                    str(one.arg): ast.literal_eval(one.value) for one in decorator.keywords if one.arg != "source"
                }
                found[node.name] = {"kind": decorator.func.attr, **values}
    return found


def containers() -> dict[str, str]:
    """The containers of infra/ by what they are for: those of the settings, and what main.bicep adds."""
    assert "loadJsonContent('../local.settings.example.json').Values" in MAIN
    assert "endsWith(setting.key, '_CONTAINER')" in MAIN
    added = dict(re.findall(r"(\w+): '([a-z]+)'", bicep.block(bicep.block(MAIN, "var containers = union("), "{")))
    named = {key.removesuffix("_CONTAINER").lower(): EXAMPLE[key] for key in EXAMPLE if key.endswith("_CONTAINER")}
    return added | named


def queues() -> set[str]:
    return set(bicep.texts(bicep.block(MAIN, "var queues = [")))


def test_containers_are_those_of_the_code_and_the_two_without_a_setting() -> None:
    of_the_code = {key.removesuffix("_CONTAINER").lower() for key in SETTINGS if key.endswith("_CONTAINER")}
    assert set(containers()) == of_the_code | {"backups", "deadletter"}
    assert "containers: map(items(containers), container => container.value)" in MAIN


def test_queues_are_those_of_the_code() -> None:
    of_the_code = {WORK_QUEUE, WORK_POISON_QUEUE, BLOB_POISON_QUEUE}
    assert queues() == of_the_code
    listened = {one["queue_name"] for one in triggers().values() if one["kind"] == "queue_trigger"}
    assert listened <= queues()


def test_roles_are_given_on_every_container_and_queue_and_on_no_other() -> None:
    rows = list(grants(bicep.read(ROLES)))
    assert {row.on for row in rows if row.kind == "container"} == set(containers())
    assert {row.on for row in rows if row.kind == "queue"} == queues()
    assert {row.on for row in rows if row.kind == "cosmos"} - {""} == cosmos_containers()


def cosmos_containers() -> set[str]:
    return set(re.findall(r"name: '(\w+)', ttl: ", bicep.text("modules/cosmos.bicep")))


def test_cosmos_containers_have_what_the_code_makes_locally() -> None:
    module = bicep.text("modules/cosmos.bicep")
    assert connect.IMAGES in cosmos_containers()
    (policy,) = re.findall(r"name: 'images', ttl: -1, indexing: loadJsonContent\('([^']+)'\)", module)
    loaded = json.loads(bicep.read(bicep.INFRA / "modules" / policy))
    assert loaded == connect.INDEXING
    assert "paths: ['/id']" in module
    assert "database: given.COSMOS_DATABASE" in MAIN


def test_the_composite_index_has_the_order_in_which_records_are_found() -> None:
    """The local Cosmos DB orders without an index; Azure's refuses a query by two fields that has none."""
    (order,) = re.findall(r"ORDER BY ([^\"]+)\"", bicep.read(ROOT / "imagestore" / "store" / "records.py"))
    words = {"DESC": "descending", "ASC": "ascending"}
    fields = [field.strip().split(" ") for field in order.split(",")]
    wanted = [{"path": f"/{path.removeprefix('c.')}", "order": words[way]} for path, way in fields]
    assert wanted in connect.INDEXING["compositeIndexes"]


def test_what_is_named_of_the_settings_is_a_setting() -> None:
    assert set(re.findall(r"given\.(\w+)", MAIN)) <= SETTINGS


def test_what_bindings_name_is_given_to_the_functions() -> None:
    named = {name for one in triggers().values() for value in one.values() for name in re.findall(r"%(\w+)%", value)}
    shared = bicep.block(MAIN, "var shared = union(")
    given = set(re.findall(r"(\w+): given\.", shared)) | {name for name in SETTINGS if name.endswith("_CONTAINER")}
    assert "toObject(named, " in shared
    assert named <= given


def test_the_sweep_looks_for_restored_pictures_as_long_as_they_can_be_restored_and_tombstones_live() -> None:
    shared = bicep.block(MAIN, "var shared = union(")
    (most,) = re.findall(r"UNDELETE_DAYS: string\(min\(keepDeletedDays, (\d+)\)\)", shared)
    assert int(most) * 24 * 3600 == TOMBSTONE_TTL_S
    assert Settings.read({"UNDELETE_DAYS": most}).undelete_days == int(most)
    with pytest.raises(SettingsError):
        Settings.read({"UNDELETE_DAYS": str(int(most) + 1)})
    assert f"but to {most} at most" in bicep.read(ROOT / "docs" / "azure.md")
    assert shared.index("UNDELETE_DAYS") < shared.rindex("settings"), "a setting of one's own wins"


@pytest.mark.parametrize("file", APPS)
def test_app_settings_are_settings_connections_or_azures_own(file: str) -> None:
    module = bicep.text(f"modules/{file}")
    for name in bicep.app_settings(module):
        connection = name.partition("__")[0]
        assert name in SETTINGS or connection in CONNECTIONS or PLATFORM.match(name), name


def read_by_the_code(function: str) -> set[str]:
    """Which `<connection>__…` a function of store/connect.py asks for."""
    source = bicep.read(ROOT / "imagestore" / "store" / "connect.py")
    body = source.split(f"def {function}(")[1].split("\ndef ")[0]
    return set(re.findall(r'\.(?:address|get)\("(\w+)"', body))


@pytest.mark.parametrize("file", APPS)
def test_connections_are_given_as_the_code_and_the_host_read_them(file: str) -> None:
    given: dict[str, set[str]] = {}
    for name in bicep.app_settings(bicep.text(f"modules/{file}")):
        connection, _, key = name.partition("__")
        if key:
            given.setdefault(connection, set()).add(key)
    identity = read_by_the_code("identity")
    assert identity == {"clientId", "credential"}
    storage = read_by_the_code("_blob_service") | read_by_the_code("_queue_service") | identity
    assert given["IMAGES_STORAGE"] == storage
    assert given["COSMOS"] == read_by_the_code("_cosmos") | identity
    if file == "functions.bicep":
        assert given["AzureWebJobsStorage"] == storage | {"tableServiceUri"}


def test_connections_of_bindings_are_given_to_the_functions() -> None:
    named = {one["connection"] for one in triggers().values() if "connection" in one}
    assert {name.partition("__")[0] for name in bicep.app_settings(bicep.text("modules/functions.bicep"))} >= named


@pytest.mark.parametrize("file", APPS)
def test_telemetry_is_set_up_for_those_alone_that_send_it(file: str) -> None:
    """Each package has what sends it, and each app is told where to, and may."""
    package = PACKAGES[APPS[file]]
    requirements = "".join(bicep.read(ROOT / name) for name in package.requirements)
    sends = "host.json" in package.contents or "opentelemetry" in requirements
    given = any(name.startswith("APPLICATIONINSIGHTS_") for name in bicep.app_settings(bicep.text(f"modules/{file}")))
    assert given == sends
    rows = {row.who for row in grants(bicep.read(ROLES)) if row.kind == "insights"}
    assert (APPS[file] in rows) == sends


def subscriptions() -> dict[str, str]:
    """The Event Grid subscriptions of events.bicep by name."""
    events = bicep.text("events.bicep")
    found = {}
    for start in re.findall(r"resource \w+ 'Microsoft.EventGrid/systemTopics/eventSubscriptions@[\d-]+' = {", events):
        body = bicep.block(events, start)
        found[re.findall(r"name: '(\w+)'", body)[0]] = body
    return found


def test_each_blob_trigger_has_its_subscription_under_its_own_container() -> None:
    found = subscriptions()
    blob_triggers = {name: one for name, one in triggers().items() if one["kind"] == "blob_trigger"}
    assert set(found) == {*blob_triggers, WORK_QUEUE}
    for name, trigger in blob_triggers.items():
        (setting,) = re.findall(r"%(\w+)_CONTAINER%/", trigger["path"])
        assert f"/blobServices/default/containers/${{{setting.lower()}}}/'" in found[name]
        assert "'Microsoft.Storage.BlobCreated'" in found[name]
        assert f"?functionName=Host.Functions.{name}&code=${{key}}'" in found[name]


def test_deletions_of_uploads_go_to_the_queue_work() -> None:
    deletions = subscriptions()[WORK_QUEUE]
    assert "'Microsoft.Storage.BlobDeleted'" in deletions
    assert "/blobServices/default/containers/${uploads}/'" in deletions
    assert f"queueName: '{WORK_QUEUE}'" in deletions


def test_the_docs_list_the_subscriptions_that_are_made() -> None:
    documented = re.findall(
        r"^\| (Blob\w+) \| `/blobServices/default/containers/(\w+)/` \|(?: queue)? `(\w+)`",
        bicep.read(ROOT / "docs" / "azure.md"),
        re.MULTILINE,
    )
    made = [
        (
            *re.findall(r"'Microsoft\.Storage\.(\w+)'", body),
            *re.findall(r"containers/\$\{(\w+)\}/'", body),
            name,
        )
        for name, body in subscriptions().items()
    ]
    assert sorted(documented) == sorted(made)


def test_the_docs_use_what_is_put_out_and_need_ten_commands() -> None:
    page = bicep.read(ROOT / "docs" / "azure.md")
    known = bicep.outputs(MAIN) | {"AZURE_SUBSCRIPTION_ID"}  # azd's own
    assert set(re.findall(r"\$(AZURE_\w+)", page)) <= known
    first = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)[0].replace("\\\n", " ")
    assert len(first.splitlines()) == 10


def test_the_docs_install_the_command_line_before_they_use_it() -> None:
    blocks = re.findall(r"```sh\n(.*?)```", bicep.read(ROOT / "docs" / "azure.md"), re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    uses = [number for number, line in enumerate(lines) if re.search(r"\bimagestore [a-z]", line)]
    assert len(uses) >= 3
    assert all(".venv/bin/imagestore " in lines[number] for number in uses)
    (installs,) = (number for number, line in enumerate(lines) if line.startswith("make setup"))
    assert installs < uses[0]


def test_every_subscription_has_the_schema_the_retries_and_a_place_for_what_fails() -> None:
    for body in subscriptions().values():
        assert "eventDeliverySchema: 'EventGridSchema'" in body
        assert "retryPolicy: retry" in body
        assert "deadLetterWithResourceIdentity: undelivered" in body
    assert "eventTimeToLiveInMinutes: 5" in bicep.text("events.bicep")


def test_what_takes_one_change_at_a_time_is_changed_in_turn() -> None:
    events = bicep.text("events.bicep")
    names = re.findall(r"resource (\w+) 'Microsoft.EventGrid/systemTopics/eventSubscriptions@", events)
    waits = {name: re.findall(r"dependsOn: \[(\w+)\]", subscriptions()[name]) for name in names}
    assert [waits[name] for name in names] == [[], *([before] for before in names[:-1])]
    sticky = bicep.block(bicep.text("modules/web.bicep"), "resource sticky 'config' = {")
    assert "dependsOn: [appSettings]" in sticky
    logs = bicep.block(bicep.text("modules/jobs.bicep"), "resource logs 'config' = {")
    assert "dependsOn: [appSettings]" in logs


def test_the_functions_have_no_site_setting_that_flex_consumption_refuses() -> None:
    """Those that its error message lists: https://github.com/Azure/azure-cli/issues/31414."""
    config = bicep.block(bicep.text("modules/functions.bicep"), "siteConfig: {")
    refused = {
        "ftpsState",
        "use32BitWorkerProcess",
        "preWarmedInstanceCount",
        "netFrameworkVersion",
        "functionsRuntimeScaleMonitoringEnabled",
        "functionAppScaleLimit",
    }
    assert not refused & set(re.findall(r"^\s+(\w+):", config, re.MULTILINE))


def test_the_slot_dev_finds_the_other_environments_resources_under_the_names_they_are_given() -> None:
    found = re.findall(
        r"resource \w+ '([\w./]+)@[\d-]+' existing = {\n  name: '([a-z-]+)\$\{devToken\}'",
        bicep.text("modules/dev-slot.bicep"),
    )
    assert len(found) == 5
    given = {
        one
        for path in bicep.FILES
        for one in re.findall(r"resource \w+ '([\w./]+)@[\d-]+' = {\n  name: '([a-z-]+)\$\{token\}'", bicep.read(path))
    }
    assert set(found) <= given
    token = "uniqueString(subscription().id, {}, location)"
    assert f"var token = {token.format('environmentName')}" in MAIN
    assert f"devToken: {token.format('devEnvironmentName')}" in MAIN


def test_services_are_what_make_package_builds_and_what_bicep_marks() -> None:
    services = yaml.safe_load(bicep.read(ROOT / "azure.yaml"))["services"]
    assert {name: ROOT / service["project"] for name, service in services.items()} == {
        name: DIST / name for name in PACKAGES
    }
    marked = {mark for path in bicep.FILES for mark in re.findall(r"'azd-service-name': '(\w+)'", bicep.read(path))}
    assert marked == set(services)


def test_parameters_file_gives_each_parameter_and_no_other() -> None:
    given = json.loads(bicep.read(bicep.INFRA / "main.parameters.json"))["parameters"]
    assert set(given) == bicep.params(MAIN)


def test_parameters_of_the_environment_come_back_as_outputs_and_are_in_the_docs() -> None:
    of_azd = {"AZURE_ENV_NAME", "AZURE_LOCATION", "AZURE_PRINCIPAL_ID", "AZURE_PRINCIPAL_TYPE"}
    read = dict(re.findall(r"\$\{(\w+)(?:=([^}]*))?\}", bicep.read(bicep.INFRA / "main.parameters.json")))
    assert set(read) - of_azd <= bicep.outputs(MAIN)
    documented = dict(
        re.findall(r"(?m)^\| `([A-Z_]+)` \|(?: `([^`]*)`|[^|]*) \|", bicep.read(ROOT / "docs" / "azure.md"))
    )
    assert documented == {name: value for name, value in read.items() if name not in of_azd}


def test_outputs_are_connections_for_the_command_line() -> None:
    storage = read_by_the_code("_blob_service") | read_by_the_code("_queue_service")
    wanted = {f"IMAGES_STORAGE__{key}" for key in storage} | {f"COSMOS__{key}" for key in read_by_the_code("_cosmos")}
    assert {name for name in bicep.outputs(MAIN) if "__" in name} == wanted


@pytest.mark.parametrize("hook", ["subscribe.sh", "smoke.sh"])
def test_hooks_use_what_main_puts_out(hook: str) -> None:
    used = set(re.findall(r"\$\{?(AZURE_\w+)", bicep.read(bicep.INFRA / "hooks" / hook)))
    assert used
    assert used <= bicep.outputs(MAIN) | {"AZURE_SUBSCRIPTION_ID"}  # azd's own


def test_the_hook_gives_events_its_parameters_and_no_other() -> None:
    given = set(re.findall(r'"(\w+)=\$AZURE_', bicep.read(bicep.INFRA / "hooks" / "subscribe.sh")))
    assert given == bicep.params(bicep.text("events.bicep"))


def test_the_web_app_starts_and_is_asked_where_it_answers() -> None:
    from imagestore.web.app import create_app
    from imagestore.web.openapi import describe

    module = bicep.text("modules/web.bicep")
    (command,) = re.findall(r"var startCommand = '([^']+)'", module)
    python, m, name, *options = command.split()
    assert (python, m) == ("python", "-m")
    started = bicep.read(ROOT / name.replace(".", "/") / "__main__.py")
    assert all(f'"{option}"' in started for option in options if option.startswith("--"))
    app = create_app({"IMAGES_STORAGE": AZURITE, "COSMOS": COSMOS_EMULATOR})
    asked = [*re.findall(r"var healthPath = '([^']+)'", module), *re.findall(r"PING_PATH: '([^']+)'", module)]
    app.state.services.close()
    assert len(asked) == 2
    assert set(asked) <= set(describe(app)["paths"])


def test_the_runner_of_jobs_starts_and_answers_where_it_is_asked() -> None:
    module = bicep.text("modules/jobs.bicep")
    (command,) = re.findall(r"var startCommand = '([^']+)'", module)
    shell, python, m, name, *options = command.split()
    assert (shell, python, m) == ("exec", "python", "-m")
    started = bicep.read(ROOT / f"{name.replace('.', '/')}.py")
    assert all(f'"{option}"' in started for option in options if option.startswith("--"))
    assert options == ["--address", "0.0.0.0", "--port", "8000"], "the port that App Service asks by itself"
    assert "alwaysOn: true" in module
    assert "capacity: 1" in module
    (stops_s,) = re.findall(r"WEBSITES_CONTAINER_STOP_TIME_LIMIT: '(\d+)'", module)
    assert int(stops_s) <= 120, "the most that App Service allows"


def test_the_web_app_changes_routes_and_no_model() -> None:
    """What it may change of the container of models is what routes.py, projects.py and custom_vision.py of
    imagestore/store write."""
    (row,) = (row for row in grants(bicep.read(ROLES)) if row.who == "web" and row.on == "models" and row.only)
    assert set(row.only) == {ROUTES, ACTIVE, PROJECTS, f"*/{FILE}"}
    roles = bicep.text("modules/roles.bicep")
    assert "!(ActionMatches{" in roles
    for change in ("write", "add/action", "delete", "move/action"):
        assert f"'{change}'" in bicep.block(roles, "var changes = map(")
    assert "condition: contains(grant, 'only')" in bicep.block(roles, "resource containerRole 'Microsoft")


def test_who_writes_versions_is_the_runner_and_whoever_deployed() -> None:
    writers = {
        row.who
        for row in grants(bicep.read(ROLES))
        if row.on == "models" and not row.role.endswith("Reader") and not row.only
    }
    assert writers == {"jobs", "operator"}


def test_a_cluster_keeps_versions_and_makes_none_live() -> None:
    (row,) = (row for row in grants(bicep.read(ROLES)) if row.who == "cluster" and row.on == "models")
    (pattern,) = row.only
    assert fnmatch.fnmatchcase(f"mine/4/{MODEL_FILE}", pattern)
    assert not [name for name in (ROUTES, ACTIVE, PROJECTS) if fnmatch.fnmatchcase(name, pattern)]


def test_one_python_for_all_apps_which_the_project_supports() -> None:
    (functions,) = re.findall(r"name: 'python', version: '([\d.]+)'", bicep.text("modules/functions.bicep"))
    (web,) = re.findall(r"'PYTHON\|([\d.]+)'", bicep.text("modules/web.bicep"))
    (jobs,) = re.findall(r"'PYTHON\|([\d.]+)'", bicep.text("modules/jobs.bicep"))
    assert functions == web == jobs
    assert f"python{functions}" in bicep.read(ROOT / "Makefile")
