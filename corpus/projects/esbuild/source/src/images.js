import small from "./small.png";
import large from "./large.png";
import team from "./team-MEETTEAM.jpg";

export { small, large, team };
