"""Tests mirror modules: whoever changes a module finds its tests by its name."""

from imagestore.settings import ROOT

UNIT = ROOT / "tests" / "unit"
ROOMS = ("classify", "model", "preprocess", "imagestore")
OF_THE_WHOLE = {
    "test_architecture", "test_attacks", "test_compatibility", "test_docs", "test_memory_items", "test_mirror",
    "test_package", "test_two_instances", "test_written_before",
}  # fmt: skip
"""What is tested here is no module but the project: its imports, docs, packages, files of versions before."""
ELSEWHERE = {
    "backup/restore_pictures": "unit/backup/test_restore.py",
    "backup/target": "unit/backup/test_restore.py",
    "backup/forget_backups": "unit/backup/test_forget.py",
    "cli/backups": "integration/test_backup.py",
    "cli/forget": "integration/test_backup.py",
    "accounts/admission": "unit/web/pages/test_openid_sign_in.py",
    "accounts/attempts": "unit/accounts/test_service.py",
    "accounts/mailed_links": "unit/web/pages/test_forgotten.py",
    "accounts/tokens": "unit/accounts/test_callers.py",
    "cli/delete": "integration/test_cli.py",
    "cli/doctor": "integration/test_doctor.py",
    "cli/jobs": "unit/cli/test_distant_jobs.py",
    "cli/learn": "integration/test_models.py",
    "cli/ls": "integration/test_cli.py",
    "cli/main": "integration/test_cli.py",
    "cli/maintain": "integration/test_maintain.py",
    "cli/models": "integration/test_models.py",
    "cli/poison": "integration/test_runbook.py",
    "cli/profile": "unit/cli/test_profiles.py",
    "cli/options": "integration/test_cli.py",
    "web/models/learned_files": "unit/web/answering/test_nearest.py",
    "store/learned": "unit/web/answering/test_nearest.py",
    "web/pages/similar": "unit/web/answering/test_similar.py",
    "web/api/similar": "unit/web/answering/test_similar.py",
    "web/api/why": "unit/web/answering/test_why.py",
    "client/likeness": "unit/client/test_client.py",
    "web/api/watch": "unit/web/models/test_watching.py",
    "web/pages/watch": "unit/web/models/test_watching.py",
    "web/models/model_child": "unit/web/models/test_classifier.py",
    "web/intake/bodies": "unit/web/api/test_classify.py",
    "cli/instance_projects": "unit/cli/test_instance.py",
    "distant_server": "unit/client/test_http.py",
    "model/azureml/submit": "azureml/test_azureml.py",
    "model/custom_vision/bring": "unit/model/custom_vision/test_take_over.py",
    "model/custom_vision/origin": "unit/model/custom_vision/test_take_over.py",
    "model/inspect": "unit/model/test_job_child.py",
    "store/moved_content": "unit/pipeline/changes/test_to_training.py",
    "store/said": "unit/pipeline/labelling/test_doubts.py",
    "store/labelling": "unit/model/training/test_labelling.py",
    "store/held_out": "unit/model/evaluation/test_held_out.py",
    "store/custom_vision": "unit/web/custom_vision/test_tags.py",
    "web/custom_vision/answers": "unit/web/custom_vision/test_images.py",
    "web/custom_vision/answering": "unit/web/custom_vision/test_prediction.py",
    "web/custom_vision/api": "unit/web/guards/test_access.py",
    "web/custom_vision/container": "unit/web/custom_vision/test_prediction.py",
    "web/custom_vision/errors": "unit/web/custom_vision/test_prediction.py",
    "web/custom_vision/intake": "unit/web/custom_vision/test_images.py",
    "web/custom_vision/labels": "unit/web/custom_vision/test_tags.py",
    "web/custom_vision/pictures": "unit/web/custom_vision/test_images.py",
    "web/custom_vision/routing": "unit/web/custom_vision/test_projects.py",
    "bounded_child": "unit/model/test_model_process.py",
    "client/accounts": "unit/cli/test_administration.py",
    "client/versions": "unit/cli/test_understand.py",
    "client/projects": "unit/cli/test_instance.py",
    "cli/importing": "unit/model/custom_vision/test_take_over.py",
    "client/changes": "unit/client/test_client.py",
    "pipeline/changes/documents": "unit/pipeline/changes/test_bulk.py",
    "pipeline/changes/status": "unit/web/api/test_changes.py",
    "web/answering/project_labels": "unit/web/pages/test_labels.py",
    "cli/projects": "unit/cli/test_instance.py",
    "cli/route": "integration/test_routes.py",
    "cli/stages": "integration/test_models.py",
    "cli/tier": "integration/test_tiers.py",
    "cli/training": "integration/test_models.py",
    "cli/upload": "integration/test_cli.py",
    "model/job_runner": "integration/test_jobs.py",
    "jobs/lines": "unit/jobs/test_child.py",
    "local/host/pool": "integration/test_faults.py",
    "local/places": "integration/test_package.py",
    "model/custom_vision/child": "unit/model/custom_vision/test_convert.py",
    "model/decoder_pool": "unit/model/training/test_features.py",
    "model/default/efficientnet": "unit/model/default/test_build.py",
    "model/model_child": "unit/model/test_model_process.py",
    "classify/portable/predict": "unit/classify/portable/test_portable.py",
    "model/training/compose": "unit/model/training/test_train.py",
    "performance/told": "unit/web/api/test_performance.py",
    "pipeline/commit": "exhaustive/test_commit.py",
    "pipeline/steps/events": "unit/pipeline/steps/test_dead_letters.py",
    "preprocess/child": "unit/preprocess/test_decoder.py",
    "preprocess/rendition": "unit/preprocess/test_decoder.py",
    "store/connection": "unit/settings/test_reading.py",
    "settings/__main__": "unit/settings/test_reference.py",
    "settings/azureml": "unit/settings/test_reading.py",
    "settings/connections": "unit/settings/test_reading.py",
    "settings/jobs": "unit/settings/test_reading.py",
    "settings/mail": "unit/web/test_services.py",
    "settings/names": "unit/settings/test_reading.py",
    "settings/openid": "unit/web/test_services.py",
    "settings/pictures": "unit/settings/test_reading.py",
    "settings/web": "unit/web/test_services.py",
    "store/inspection": "integration/test_doctor.py",
    "store/items": "integration/test_cosmos.py",
    "store/queues": "integration/test_pipeline.py",
    "settings/load": "unit/web/load/test_admission.py",
    "web/load/most": "unit/web/load/test_pace.py",
    "web/__main__": "integration/test_web_faults.py",
    "web/api/common": "unit/web/api/test_pictures.py",
    "web/pages/browser_session": "unit/web/pages/test_sign_in.py",
    "web/guards/cookies": "unit/web/pages/test_sign_in.py",
    "web/pages/entrance": "unit/web/pages/test_sign_in.py",
    "web/examples/all": "unit/web/test_openapi.py",
    "web/examples/batch": "unit/web/test_openapi.py",
    "web/examples/training": "unit/web/test_openapi.py",
    "web/examples/versions": "unit/web/test_openapi.py",
    "web/answering/versions": "unit/web/api/test_performance.py",
    "web/pages/forms": "unit/web/pages/test_account.py",
    "web/api/reference": "unit/web/test_openapi.py",
    "web/pages/sign_up": "unit/web/pages/test_forgotten.py",
    "web/pages/email_form": "unit/web/pages/test_forgotten.py",
    "web/rules": "unit/web/guards/test_access.py",
    "web/pages/rendering": "unit/web/pages/test_pictures.py",
    "web/examples/webhooks": "unit/web/test_openapi.py",
    "client/webhooks": "unit/cli/test_webhooks.py",
    "webhooks/webhook": "unit/webhooks/test_registry.py",
    "webhooks/delivery": "unit/webhooks/test_backoff.py",
    "webhooks/status": "unit/web/api/test_webhooks.py",
    "webhooks/outbox": "unit/webhooks/test_deliverer.py",
    "webhooks/feed": "unit/webhooks/test_deliverer.py",
}
"""Modules that are tested with what uses them, or only in a stack."""
DATA_ALONE = {
    "classify/errors", "errors", "model/progress", "pipeline/context", "preprocess/errors", "preprocess/image",
    "web/answers",
}  # fmt: skip


def modules() -> dict[str, str]:
    """Each module, as tests/unit names its place, and how its test file is called."""
    found = {"function_app": "test_function_app"}
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            if "node_modules" in path.parts:
                continue
            place = path.relative_to(ROOT / "imagestore" if room == "imagestore" else ROOT).with_suffix("")
            if path.name == "__init__.py":
                place = place.parent
            found[place.as_posix()] = f"test_{place.name.strip('_')}"
    return found


def test_each_test_file_is_named_by_a_module() -> None:
    expected = {(UNIT / place).parent / f"{name}.py" for place, name in modules().items()}
    infra = {"package", "roles_table"}  # all else in infra/ is Bicep and shell
    strays = [
        path.relative_to(UNIT).as_posix()
        for path in UNIT.rglob("test_*.py")
        if path not in expected and path.stem not in OF_THE_WHOLE and path.parent != UNIT / "infra"
    ]
    assert strays == []
    assert {path.stem for path in (ROOT / "infra").glob("*.py")} - {"__init__"} == infra


def test_each_module_has_its_tests_or_says_where_they_are() -> None:
    def is_tested(place: str, name: str) -> bool:
        return ((UNIT / place).parent / f"{name}.py").exists()

    found = modules()
    packages = {path.parent for room in ROOMS for path in (ROOT / room).rglob("__init__.py")}
    for place, name in found.items():
        is_package = ROOT / place in packages or ROOT / "imagestore" / place in packages
        if not is_package and place not in DATA_ALONE:
            assert is_tested(place, name) or place in ELSEWHERE, f"{place} has no tests/unit/{place}: {name}.py"
            assert not (is_tested(place, name) and place in ELSEWHERE), f"{place} has tests of its own now"
    for place, tests in ELSEWHERE.items():
        assert place in found, place
        assert (ROOT / "tests" / tests).exists(), tests
    assert set(found) >= DATA_ALONE
