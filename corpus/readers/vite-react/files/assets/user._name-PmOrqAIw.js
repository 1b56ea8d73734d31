import{t as e}from"./Card-DQMVvEEZ.js";import{t}from"./index-BYf2qJoX.js";var n=t();function r(){return(0,n.jsx)(e,{name:`User`})}export{r as default};
//# sourceMappingURL=user._name-PmOrqAIw.js.map