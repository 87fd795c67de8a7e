/**
 * What an event `{type: "order.updated", version, order: {…}}` does to the state of a collection.
 * The word before the point is the subject: it names the field that holds the entity.
 *
 * @typedef {{id: string, version: number}} Entity
 * @typedef {{type: string, version: number, [subject: string]: any}} Event
 */

/**
 * @param {import('./entities.js').Entities<any>} entities
 * @param {string} subject
 * @param {Event} event of this subject
 * @returns {boolean} whether it changed something
 */
export function applyEvent(entities, subject, event) {
  const entity = event[subject];
  switch (event.type.slice(subject.length + 1)) {
    case 'deleted':
      return entities.delete(entity.id);
    case 'unshared':
      return isFarewell(entity)
        ? entities.hide(entity.id, event.version)
        : entities.take(entity);
    case 'shared':
      entities.show(entity.id, event.version);
      return entities.take(entity);
    default:
      return entities.take(entity);
  }
}

/** @param {Event} event @param {string} subject */
export function isAbout(event, subject) {
  return event?.type?.startsWith(`${subject}.`) && Boolean(event[subject]?.id);
}

/**
 * To the person who was removed the event says no more than which entity it was; to all others it
 * is an ordinary new version.
 * @param {Entity} entity
 */
function isFarewell(entity) {
  return Object.keys(entity).every((key) => key === 'id' || key === 'version');
}
