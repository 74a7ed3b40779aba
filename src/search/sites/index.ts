export { cutSites, isLicence, type SiteForm } from './cut-sites';
export { SiteRanker, type RankedSite } from './site-ranker';
