export type { ListItem } from './group';
export { Lister, type Listing } from './lister';
export { subjectOfList } from './subject';
