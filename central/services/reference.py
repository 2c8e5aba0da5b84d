"""Reference data and staff: what only the centre writes, and everybody receives."""

from central.centre import Centre
from common.court import datasets, reference, staff
from common.ids import new_object_id
from common.pki.certificates import read_certificate


def publish_initial(centre: Centre) -> int:
    """Publish the reference data this release carries; return how many datasets. Datasets already published are left alone."""
    known = {(dataset.name, dataset.version) for dataset in reference.datasets(centre.database)}
    fresh = [dataset for dataset in datasets.initial_publication() if (dataset.name, dataset.version) not in known]
    with centre.journal.unit() as unit:
        for dataset in fresh:
            for part in reference.split(dataset):
                unit.append(reference.object_id(dataset.name, dataset.version), part)
    centre.publish()
    return len(fresh)


def appoint(centre: Centre, appointment: staff.Appoint, *, actor: bytes | None = None) -> bytes:
    """Write an appointment into the staff list that every node receives; return its object."""
    read_certificate(appointment.certificate)
    obj = new_object_id()
    with centre.journal.unit() as unit:
        unit.append(obj, appointment, actor=actor)
    centre.publish()
    return obj
