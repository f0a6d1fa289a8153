export { freePorts, isTaken, type Environment } from './addresses.ts';
export { buildWeb, ROOT } from './service-process.ts';
export { ageSignIns, signInOverHttp, type SignedIn, type SignInOptions } from './sign-in.ts';
export { startSystem, type System, type SystemOptions } from './system.ts';
